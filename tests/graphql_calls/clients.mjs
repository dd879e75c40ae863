// Apollo Client and urql: a query with retries, a partial error, and a subscription; urql: a query of two routes;
// Apollo Client: a batch with retries. Prints what each got, as JSON.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client'
import { BatchHttpLink } from '@apollo/client/link/batch-http'
import { RetryLink } from '@apollo/client/link/retry'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { Client, cacheExchange, fetchExchange } from '@urql/core'
import { retryExchange } from '@urql/exchange-retry'
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'

const [base] = process.argv.slice(2)
const url = `${base}/graphql`
const USER = 'query User($id: ID!) { user(id: $id) { __typename id name email } }'
const PAID = 'subscription Paid($order: ID!) { paid(order: $order) { amount } }'

async function apollo() {
  const socket = createClient({ url: url.replace('http', 'ws'), webSocketImpl: WebSocket })
  const retry = new RetryLink({ delay: { initial: 20, jitter: false }, attempts: { max: 3 } })
  const http = ApolloLink.from([retry, new HttpLink({ uri: url })])
  const client = new ApolloClient({ cache: new InMemoryCache(), link: http })
  const query = variables => client.query({ query: gql(USER), variables, errorPolicy: 'all' })
  const { data } = await query({ id: 'apollo' })
  const partial = await query({ id: 'partial' })
  const events = []
  const live = new ApolloClient({ cache: new InMemoryCache(), link: new GraphQLWsLink(socket) })
  await new Promise((resolve, reject) => live
    .subscribe({ query: gql(PAID), variables: { order: 'apollo' } })
    .subscribe({ next: event => events.push(event.data.paid.amount), complete: resolve, error: reject }))
  await socket.dispose()
  const errors = partial.error?.errors ?? partial.errors
  return { name: data.user.name, partial: partial.data.user.name, error: errors[0].message, events }
}

async function urql() {
  const retry = retryExchange({ initialDelayMs: 20, maxNumberAttempts: 3, randomDelay: false })
  const client = new Client({
    url, exchanges: [cacheExchange, retry, fetchExchange], preferGetMethod: false, fetchSubscriptions: true,
  })
  const { data, error } = await client.query(USER, { id: 'urql' }).toPromise()
  if (error) throw error
  const partial = await client.query(USER, { id: 'partial' }).toPromise()
  const events = []
  await new Promise(resolve => {
    const { unsubscribe } = client.subscription(PAID, { order: 'urql' }).subscribe(result => {
      if (result.hasNext) events.push(result.data.paid.amount)  // at the end, the last result comes again
      else setTimeout(() => { unsubscribe(); resolve() }, 0)
    })
  })
  return { name: data.user.name, partial: partial.data.user.name, error: partial.error.graphQLErrors[0].message, events }
}

async function both() {
  const retry = retryExchange({ initialDelayMs: 20, maxNumberAttempts: 3, randomDelay: false })
  const client = new Client({ url, exchanges: [retry, fetchExchange], preferGetMethod: false })
  const text = 'query Both($id: ID!) { user(id: $id) { name } shop { name } }'
  const { data, error } = await client.query(text, { id: 'both' }).toPromise()
  if (error) throw error
  return { user: data.user.name, shop: data.shop.name }
}

async function batch() {
  const retry = new RetryLink({ delay: { initial: 20, jitter: false }, attempts: { max: 3 } })
  const link = ApolloLink.from([retry, new BatchHttpLink({ uri: url, batchInterval: 20 })])
  const client = new ApolloClient({ cache: new InMemoryCache(), link, devtools: { enabled: false } })
  const query = (text, variables) => client.query({ query: gql(text), variables, errorPolicy: 'all' })
  const [user, partial, shop] = await Promise.all([
    query(USER, { id: 'batch' }), query(USER, { id: 'partial' }), query('query Shop { shop { name } }'),
  ])
  const errors = partial.error?.errors ?? partial.errors
  return { names: [user.data.user.name, partial.data.user.name, shop.data.shop.name], error: errors[0].message }
}

console.log(JSON.stringify({ apollo: await apollo(), urql: await urql(), both: await both(), batch: await batch() }))
process.exit(0)

// What openid-client and jose get of an OpenID Connect provider: node identity.mjs ISSUER. Prints one JSON document.
import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as client from 'openid-client';

const issuer = new URL(process.argv[2]);
const redirectUri = 'http://app.test/callback';
const insecure = { execute: [client.allowInsecureRequests] };
const config = await client.discovery(issuer, 'app', 's3cret', undefined, insecure);
const code = async (error) => error.cause?.code ?? error.code ?? String(error);

async function signIn(scope) {
  const verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope,
    state,
    nonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  });
  const answer = await fetch(url, { redirect: 'manual' });
  return client.authorizationCodeGrant(config, new URL(answer.headers.get('location')), {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
  });
}

const got = {};
const first = await signIn('openid email');
got.claims = first.claims();
got.userinfo = await client.fetchUserInfo(config, first.access_token, first.claims().sub);
got.introspected = (await client.tokenIntrospection(config, first.access_token)).active;
const second = await client.refreshTokenGrant(config, first.refresh_token);
got.renewed = second.refresh_token !== first.refresh_token;
const isActive = async (token) => (await client.tokenIntrospection(config, token)).active;
await client.tokenRevocation(config, first.access_token);
got.revoked = [await isActive(first.access_token), await isActive(second.access_token)];
got.reused = await client.refreshTokenGrant(config, first.refresh_token).catch((error) => error.error);
got.after_reuse = await isActive(second.access_token);
const device = await client.initiateDeviceAuthorization(config, { scope: 'openid' });
const onDevice = await client.pollDeviceAuthorizationGrant(config, device);
got.device = onDevice.claims().sub;
const signOut = client.buildEndSessionUrl(config, { id_token_hint: onDevice.id_token, post_logout_redirect_uri: redirectUri, state: 's' });
got.signed_out = (await fetch(signOut, { redirect: 'manual' })).headers.get('location');
got.after_sign_out = await client.refreshTokenGrant(config, onDevice.refresh_token).catch((error) => error.error);
got.wrong_audience = await signIn('openid').then(() => 'accepted', code);

const keys = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri), { cooldownDuration: 0 });
const verify = async (kind) => {
  const { access_token: token } = await client.clientCredentialsGrant(config, { audience: 'orders' });
  got[kind] = [];
  for (let i = 0; i < 3; i++) {
    got[kind].push(await jwtVerify(token, keys, { issuer: issuer.href, audience: 'orders' }).then(() => 'ok', code));
  }
};
await verify('while_keys_fail');
await verify('expired');
await verify('bad_signature');
await verify('rotated');
console.log(JSON.stringify(got));

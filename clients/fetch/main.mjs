// A charge, by Node's own fetch, which has no retries.
try {
  const answer = await fetch(`${process.env.EXTERNAL_API_URL}/plain/charges`, {
    method: "POST",
    body: JSON.stringify({ amount: 2000 }),
    headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
    signal: AbortSignal.timeout(1000),
  });
  if (!answer.ok) throw new Error(`answered ${answer.status}`);
  const made = await answer.json();
  if (made.status !== "paid") throw new Error(`not paid: ${JSON.stringify(made)}`);
} catch (error) {
  console.error(`${error.name}: ${error.message}`.replaceAll(/\s+/g, " "));
  process.exit(1);
}

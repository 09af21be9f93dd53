// Starts workflows and waits for their results.   node client.js INGRESS ROW COUNT IN_FLIGHT
// Prints a line of JSON.

const [, , ingress, row, count, inFlight] = process.argv;
const operations = Number(count);

async function call(workflow, body) {
  const url = `${ingress}/${workflow}/${crypto.randomUUID()}/run`;
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return response.json();
}

async function many(one, number) {
  let next = 0;
  const one_after_the_other = async () => {
    while (next++ < number) await one();
  };
  await Promise.all(Array.from({ length: Number(inFlight) }, one_after_the_other));
}

const work = {
  regular: () => call("sequence", { count: operations, local: false }),
  local: () => call("sequence", { count: operations, local: true }),
  "fan-out": () => call("fan", { count: operations }),
};

await call("sequence", { count: 2, local: false });
const began = performance.now();
if (row.startsWith("workflows-")) {
  await many(() => call("sequence", { count: 1, local: false }), operations);
} else {
  await work[row]();
}
const ms = performance.now() - began;
console.log(JSON.stringify({ ms: ms / operations, per_second: (1000 * operations) / ms, count: operations }));

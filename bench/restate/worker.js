// The service endpoint: what a worker is elsewhere.   node worker.js PORT

import * as restate from "@restatedev/restate-sdk";

// The SDK uses what Node has from version 22 on.
Promise.withResolvers ??= function () {
  const parts = {};
  parts.promise = new this((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
};

// An activity that any endpoint may run: a call to another service.
const work = restate.service({
  name: "work",
  handlers: { double: async (_context, number) => 2 * number },
});

const sequence = restate.workflow({
  name: "sequence",
  handlers: {
    // `count` calls, one after the other.
    run: async (context, { count, local }) => {
      let total = 0;
      for (let index = 0; index < count; index++) {
        // A step in this very process, kept by the server, is what a local activity is elsewhere.
        total += local
          ? await context.run("double", () => 2 * index)
          : await context.serviceClient(work).double(index);
      }
      return total;
    },
  },
});

// All of them at once.
const fan = restate.workflow({
  name: "fan",
  handlers: {
    run: async (context, { count }) => {
      const calls = Array.from({ length: count }, (_, index) => context.serviceClient(work).double(index));
      return (await restate.RestatePromise.all(calls)).reduce((sum, one) => sum + one, 0);
    },
  },
});

restate.serve({ services: [work, sequence, fan], port: Number(process.argv[2]) });

/** `npm run payments`: a payment API that is down for 10 seconds of every 30. */

import { PaymentServer } from "./payment-server.js";

const server = await PaymentServer.start(8080);
let seconds = 0;
setInterval(() => {
  seconds += 1;
  const status = seconds % 30 < 20 ? 200 : 503;
  if (status !== server.status) console.log(status === 200 ? "up" : "down");
  server.status = status;
  const orders = server.asked.splice(0);
  if (orders.length > 0) console.log(`${orders.length} in a second: ${orders.join(" ")}`);
}, 1_000);
console.log(`the payment API listens on ${server.url}`);

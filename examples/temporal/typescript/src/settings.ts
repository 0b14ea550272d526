/** Where everything is; each can be set by an environment variable. */

export const settings = {
  temporal: process.env["TEMPORAL_ADDRESS"] ?? "127.0.0.1:7233",
  taskQueue: process.env["TASK_QUEUE"] ?? "orders-typescript",
  redis: process.env["REDIS_URL"] ?? "redis://127.0.0.1:6379",
  payments: process.env["PAYMENT_API"] ?? "http://127.0.0.1:8080",
};

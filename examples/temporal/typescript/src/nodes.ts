import type { JsonObject, NodeStep, Payment } from "./orders.js";
export interface NodeActivities {
  rateLimiterNode(config: JsonObject, context: JsonObject, token: string | null): Promise<NodeStep>;
  leaveRateLimiterNode(config: JsonObject, context: JsonObject, token: string): Promise<void>;
  chargeNode(config: JsonObject, context: JsonObject): Promise<Payment>;
}

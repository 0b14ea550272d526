import type { Order, Payment, Place, Step } from "./orders.js";
export interface Activities {
  admit(order: Order, held: Place | null): Promise<Step<Place>>;
  giveBack(order: Order, held: Place): Promise<void>;
  charge(order: Order): Promise<Payment>;
}

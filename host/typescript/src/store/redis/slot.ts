/** The slots of Redis Cluster. */

import type { EntityKey } from "../../key.js";

/** CRC-16/XMODEM of the tag, which Redis Cluster takes modulo 16384. Tags are plain ASCII. */
export function slotOf(entity: EntityKey): number {
  let crc = 0;
  for (let index = 0; index < entity.tag.length; index++) {
    crc ^= entity.tag.charCodeAt(index) << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  }
  return crc & 0x3fff;
}

/** Whether all entities are in one slot. */
export function shareASlot(entities: readonly EntityKey[]): boolean {
  const [first, ...others] = entities;
  if (first === undefined || others.length === 0) return true;
  const slot = slotOf(first);
  return others.every(other => slotOf(other) === slot);
}

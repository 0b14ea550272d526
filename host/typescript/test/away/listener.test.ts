/** Listeners that fail: nothing of ours ends the process, and whoever comes next is told. */

import { afterEach, beforeEach, expect, type MockInstance, test, vi } from "vitest";
import type { StoreChange } from "../../src/index.js";
import { tell } from "../../src/tell.js";
import { Fleet, settled, takeAway } from "./fleet.js";

let logged: MockInstance<(...data: unknown[]) => void>;
const unhandled: unknown[] = [];
const note = (error: unknown) => void unhandled.push(error);

beforeEach(() => {
  unhandled.length = 0;
  process.on("unhandledRejection", note);
  logged = vi.spyOn(globalThis.console, "error").mockImplementation(() => undefined);
});

afterEach(() => {
  process.off("unhandledRejection", note);
  vi.restoreAllMocks();
});

test.each([
  ["rejects", () => () => Promise.reject(new Error("metrics are down"))],
  [
    "throws",
    () => () => {
      throw new Error("metrics are down");
    },
  ],
])("a listener that %s is logged once and told of the next change", async (_, failing) => {
  const told: string[] = [];
  const fail = failing();
  const onStoreChange = ({ after }: StoreChange) => {
    told.push(after);
    return fail();
  };
  const fleet = new Fleet();
  const host = fleet.host({ onStoreChange });
  await takeAway(host);
  host.link.isCut = false;
  await fleet.pass(500);
  expect(told).toEqual(["away", "probing", "available"]);
  expect(logged).toHaveBeenCalledTimes(1);
  expect(logged).toHaveBeenCalledWith(
    "tidegate: onStoreChange failed; this is logged once",
    expect.objectContaining({ message: "metrics are down" }),
  );
  await settled();
  expect(unhandled).toEqual([]);
});

test("what a listener returns may be what cannot be looked at", () => {
  const { proxy: evil, revoke } = Proxy.revocable({}, {});
  revoke();
  expect(() => tell(() => evil, 1, "a listener")).not.toThrow();
  expect(logged).not.toHaveBeenCalled();
});

test("a console that fails as well harms nobody", () => {
  logged.mockImplementation(() => {
    throw new Error("closed");
  });
  const failing = () => {
    throw new Error("mine");
  };
  expect(() => tell(failing, 1, "a listener")).not.toThrow();
});

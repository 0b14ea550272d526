/** The settings, from the environment. */

const WINDOWS = ["second", "minute", "hour", "day"] as const;

export interface Settings {
  readonly upstreamUrl: string;
  readonly redisUrl: string | undefined;
  readonly port: number;
  readonly limit: number;
  readonly window: (typeof WINDOWS)[number];
  readonly hosts: number;
  readonly whenAway: "share" | "error";
  readonly upstreamTimeoutMs: number;
  readonly openMs: number;
}

export function settingsOf(environment: NodeJS.ProcessEnv): Settings {
  const number = (name: string, usual: number) => {
    const text = environment[name] ?? String(usual);
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${name} is ${text}, must be a whole number from 0`);
    return value;
  };
  const {
    UPSTREAM_URL,
    REDIS_URL,
    WHEN_AWAY = "share",
    WINDOW = "second",
  } = environment as Record<string, string | undefined>;
  if (UPSTREAM_URL === undefined) throw new Error("UPSTREAM_URL is missing");
  if (WHEN_AWAY !== "share" && WHEN_AWAY !== "error")
    throw new Error(`WHEN_AWAY is ${WHEN_AWAY}, must be share or error`);
  const window = WINDOWS.find(window => window === WINDOW);
  if (window === undefined) throw new Error(`WINDOW is ${WINDOW}, must be one of ${WINDOWS.join(", ")}`);
  return {
    window,
    upstreamUrl: UPSTREAM_URL,
    redisUrl: REDIS_URL,
    port: number("PORT", 0),
    limit: number("LIMIT", 10),
    hosts: number("HOSTS", 1),
    whenAway: WHEN_AWAY,
    upstreamTimeoutMs: number("UPSTREAM_TIMEOUT_MS", 1_000),
    openMs: number("OPEN_MS", 1_000),
  };
}

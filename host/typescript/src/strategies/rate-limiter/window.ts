/** How long windows are. */

/** A unit of a window's length. */
export type WindowUnit = "millisecond" | "second" | "minute" | "hour" | "day";

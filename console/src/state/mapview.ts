import { signal } from "@preact/signals";

/** Counts requests to fit; the map acts on each. */
export const fitRequests = signal(0);
/** The officer moved the map: it stays where it was put until asked to fit. */
export const mapHeld = signal(false);
export const selectedOutside = signal(false);
export const areasFailed = signal(false);

export function fitMap(): void {
  fitRequests.value += 1;
}

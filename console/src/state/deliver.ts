import { http, Refused } from "../api/http";
import { newCommandId } from "../api/random";
import { isUnseen } from "../logic/order";
import { cards } from "./board";
import { localNow, onTick } from "./time";

type How = "drawn" | "sounded";

/** Words of delivery under way at the same time: a burst of alerts must not starve a command. */
const AT_ONCE = 4;
const RETRY_MS = 5_000;

interface Delivery {
  readonly id: string;
  readonly how: How;
  readonly commandId: string;
  state: "waiting" | "sending" | "told";
  notBefore: number;
}

const deliveries = new Map<string, Delivery>();
const drawn = new Set<string>();

/** A row of this incident is in the page. */
export function rowMounted(id: string): void {
  drawn.add(id);
}

export function rowUnmounted(id: string): void {
  drawn.delete(id);
}

export function noteSounded(ids: readonly string[]): void {
  for (const id of ids) add(id, "sounded");
}

function add(id: string, how: How): void {
  const key = `${how}:${id}`;
  if (deliveries.has(key)) return;
  deliveries.set(key, { id, how, commandId: newCommandId(), state: "waiting", notBefore: 0 });
}

onTick(() => {
  if (document.visibilityState === "visible") {
    for (const id of drawn) {
      const card = cards.peek().get(id);
      if (card !== undefined && isUnseen(card)) add(id, "drawn");
    }
  }
  forget();
  send();
});

function forget(): void {
  for (const [key, delivery] of deliveries) {
    if (!cards.peek().has(delivery.id)) deliveries.delete(key);
  }
}

function send(): void {
  let busy = [...deliveries.values()].filter((delivery) => delivery.state === "sending").length;
  for (const delivery of deliveries.values()) {
    if (busy >= AT_ONCE) return;
    if (delivery.state !== "waiting" || delivery.notBefore > localNow()) continue;
    busy += 1;
    void tell(delivery);
  }
}

async function tell(delivery: Delivery): Promise<void> {
  delivery.state = "sending";
  try {
    // The card that comes back is on its way through the stream as well.
    await http.delivered(delivery.id, delivery.commandId, delivery.how);
    delivery.state = "told";
  } catch (error) {
    // Refused for good is told as well as it can be; anything else is repeated with the same id.
    const final = error instanceof Refused && error.status < 500 && error.status !== 409;
    delivery.state = final ? "told" : "waiting";
    delivery.notBefore = localNow() + RETRY_MS;
  }
}

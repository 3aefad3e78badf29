import { useEffect, useMemo } from "preact/hooks";
import type { Card } from "../api/types";
import { deskName, reasonText } from "../logic/describe";
import { contactLostFor, deadline, isBatteryLow } from "../logic/freshness";
import { clockText, distanceText } from "../logic/format";
import { isUnseen } from "../logic/order";
import { cards } from "../state/board";
import { rowMounted, rowUnmounted } from "../state/deliver";
import { selectedId, words } from "../state/page";
import { officer } from "../state/session";
import { now } from "../state/time";
import { Since } from "./Clock";
import { Icon, type IconName } from "./Icon";

interface RowProps {
  card: Card;
  /** One row of each lane is reached by Tab; the arrows go on from there. */
  tabbable: boolean;
}

export function Row({ card, tabbable }: RowProps) {
  const w = words.value;
  const selected = selectedId.value === card.id;
  const gone = !cards.value.has(card.id);
  useEffect(() => {
    rowMounted(card.id);
    return () => rowUnmounted(card.id);
  }, [card.id]);
  const select = (): void => {
    selectedId.value = card.id;
  };
  const tone = gone ? "gone" : card.state === "closed" ? "closed" : isUnseen(card) ? "unseen" : "seen";
  const body = useMemo(() => <RowBody card={card} gone={gone} />, [card, gone, w]);
  return (
    <div
      id={`row-${card.id}`}
      class={`row row--${tone} row--${card.verification}`}
      role="option"
      aria-selected={selected}
      tabIndex={tabbable ? 0 : -1}
      onClick={select}
      onFocus={select}
    >
      {body}
    </div>
  );
}

function RowBody({ card, gone }: { card: Card; gone: boolean }) {
  const w = words.value;
  return (
    <>
      <div class="row__time">
        <span class="visually-hidden">{w.since.raised} </span>
        <span class="row__since">
          <Since atMs={card.raised_at_ms} />
        </span>
        <DueText card={card} />
      </div>
      <div class="row__main">
        <p class="row__head">
          <strong class="row__station">
            {deskName(card.station, w)}
            <Agency card={card} />
          </strong>
          <StateBadge card={card} gone={gone} />
        </p>
        <p class="row__reason">{reasonText(card.assignment, w)}</p>
        <p class="row__facts">
          <Flags card={card} />
          <Facts card={card} />
        </p>
      </div>
    </>
  );
}

/** Station names repeat between provinces; outside a station's own desk the agency tells them apart. */
function Agency({ card }: { card: Card }) {
  const { agency, name } = card.station;
  if (agency === undefined || agency === name || officer.value?.desk.kind === "station") return null;
  return <span class="row__agency">{agency}</span>;
}

function DueText({ card }: { card: Card }) {
  const w = words.value;
  const due = deadline(card, now.value);
  if (due.kind === "none") {
    return <span class="row__due">{card.state === "acknowledged" ? w.due.none : " "}</span>;
  }
  return <span class={`row__due row__due--${due.kind}`}>{w.due[due.kind](clockText(due.ms))}</span>;
}

export function StateBadge({ card, gone }: { card: Card; gone: boolean }) {
  const w = words.value;
  if (gone) return <Badge tone="dim" icon="closed" text={w.queue.left} />;
  if (card.state === "closed") return <Badge tone="dim" icon="closed" text={w.state.closed} />;
  if (card.state === "acknowledged") {
    const name = card.acknowledged_by?.name;
    return <Badge tone="seen" icon="check" text={name === undefined ? w.state.acknowledged : w.acknowledgedBy(name)} />;
  }
  // Its station is known by this console's own map; only the log does not say so yet.
  const state = card.unlogged ? "assigned" : card.state;
  return <Badge tone="unseen" icon="alert" text={w.state[state]} />;
}

/** What must not be overlooked comes first and is never cut off. */
function Flags({ card }: { card: Card }) {
  const w = words.value;
  const meaning = card.cancel?.meaning;
  const talk = card.talk?.unread ?? 0;
  return (
    <>
      {card.cancel && (
        <Badge
          tone={meaning === "duress" ? "bad" : "warn"}
          icon={meaning === "duress" ? "alert" : "cancel"}
          text={`${w.flag.cancel}: ${meaning === undefined ? w.unknown : w.cancelShort[meaning]}`}
        />
      )}
      <ContactLost card={card} />
      {card.raw && <Badge tone="warn" icon="question" text={w.flag.raw} />}
      {card.reopened && <Badge tone="warn" icon="alert" text={w.flag.reopened} />}
      {card.presses > 1 && <Badge tone="warn" icon="press" text={w.flag.presses(card.presses)} />}
      {talk > 0 && <Badge tone="warn" icon="text" text={w.flag.words(talk)} />}
      {card.drill && <Badge tone="dim" icon="note" text={w.flag.drill} />}
      {card.late && <Badge tone="dim" icon="clock" text={w.flag.late} />}
      {card.unlogged && <Badge tone="bad" icon="lost" text={w.flag.unlogged} />}
      {card.pending && !card.unlogged && <Badge tone="dim" icon="clock" text={w.flag.pending} />}
    </>
  );
}

function ContactLost({ card }: { card: Card }) {
  const lost = contactLostFor(card, now.value);
  if (lost === null) return null;
  return <Badge tone="bad" icon="lost" text={words.value.flag.contactLost(clockText(lost))} />;
}

function Facts({ card }: { card: Card }) {
  const w = words.value;
  const radius = card.position?.radius_m;
  const charge = card.battery_percent;
  const known = card.verification === "verified";
  return (
    <>
      <Fact
        icon="target"
        name={w.facts.accuracy}
        text={card.position === undefined ? w.since.noFix : `± ${radius === undefined ? w.unknown : distanceText(radius)}`}
        warn={card.position === undefined}
      />
      <Fact
        icon="battery"
        name={w.facts.battery}
        text={charge === undefined ? w.unknown : `${charge} %`}
        warn={isBatteryLow(card)}
      />
      <Fact icon={known ? "shield" : "question"} text={w.verification[card.verification]} warn={!known} />
      {card.presses === 1 && <Fact icon="press" text={w.flag.presses(1)} />}
    </>
  );
}

function Fact({ icon, text, name, warn }: { icon: IconName; text: string; name?: string; warn?: boolean }) {
  return (
    <span class={warn ? "fact fact--warn" : "fact"}>
      <Icon name={icon} />
      {name !== undefined && <span class="visually-hidden">{name} </span>}
      {text}
    </span>
  );
}

export type BadgeTone = "unseen" | "seen" | "bad" | "warn" | "dim";

export function Badge({ tone, icon, text }: { tone: BadgeTone; icon: IconName; text: string }) {
  return (
    <span class={`badge badge--${tone}`}>
      <Icon name={icon} />
      {text}
    </span>
  );
}

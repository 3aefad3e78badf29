import type { ComponentChildren } from "preact";
import type { Card } from "../api/types";
import { deskName, factGroups, type Fact } from "../logic/describe";
import { contactLostFor, deadline } from "../logic/freshness";
import { clockText, timeText } from "../logic/format";
import { isUnseen } from "../logic/order";
import { cardOf, cards } from "../state/board";
import { acknowledge } from "../state/commands";
import { composer, openComposer } from "../state/composer";
import { historyOpen, selectedId, words } from "../state/page";
import { deciding } from "../state/session";
import { now } from "../state/time";
import { Since } from "./Clock";
import { CommandBar } from "./CommandBar";
import { ComposerPanel } from "./ComposerPanel";
import { HistoryList } from "./HistoryList";
import { Icon, type IconName } from "./Icon";
import { StateBadge } from "./Row";
import { Talk } from "./Talk";

export function Detail() {
  const w = words.value;
  const id = selectedId.value;
  void cards.value;
  const card = id === null ? undefined : cardOf(id);
  return (
    <section class="detail panel" aria-label={w.detail.label} id="detail">
      {card === undefined ? <Nothing /> : <Selected key={card.id} card={card} />}
    </section>
  );
}

function Nothing() {
  const w = words.value;
  return (
    <div class="detail__nothing">
      <p>{w.detail.nothing}</p>
      <p>{w.detail.nothingHint}</p>
    </div>
  );
}

function Selected({ card }: { card: Card }) {
  const w = words.value;
  const gone = !cards.value.has(card.id);
  const open = composer.value;
  return (
    <>
      <header class="detail__head">
        <div class="detail__title">
          <h2>{deskName(card.station, w)}</h2>
          <StateBadge card={card} gone={gone} />
        </div>
        <Clocks card={card} />
        {gone ? <p class="notice notice--warn">{w.detail.gone}</p> : <Actions card={card} />}
        <CommandBar id={card.id} />
      </header>
      <div class="detail__body" tabIndex={0} role="region" aria-label={w.detail.known}>
        <Warnings card={card} />
        <Talk card={card} />
        {historyOpen.value && <HistoryList />}
        <FactList card={card} />
      </div>
      {open !== null && open.id === card.id && <ComposerPanel open={open} card={card} />}
    </>
  );
}

function Clocks({ card }: { card: Card }) {
  const w = words.value;
  const fixAt = card.position?.fix_at_ms;
  return (
    <div class="clocks">
      <div class="clocks__one">
        <span class="clocks__time" id="clock-sos">
          <Since atMs={card.raised_at_ms} />
        </span>
        <span class="clocks__label">{w.since.raised}</span>
      </div>
      <div class="clocks__one">
        <span class="clocks__time" id="clock-fix">
          {fixAt === undefined ? "– –" : <Since atMs={fixAt} />}
        </span>
        <span class="clocks__label">
          {card.position === undefined ? w.since.noFix : fixAt === undefined ? w.since.fixUnknown : w.since.fix}
        </span>
      </div>
      <div class="clocks__one clocks__one--due">
        <Due card={card} />
      </div>
    </div>
  );
}

function Due({ card }: { card: Card }) {
  const due = deadline(card, now.value);
  if (due.kind === "none") return null;
  return <span class={`due due--${due.kind}`}>{words.value.due[due.kind](clockText(due.ms))}</span>;
}

/** What the service takes from officers and refuses to viewers. */
function Decisions({ card }: { card: Card }) {
  const w = words.value;
  return (
    <>
      {isUnseen(card) && (
        <Action main code="A" text={w.action.acknowledge} icon="check" run={() => acknowledge(card.id)} />
      )}
      <Action code="T" text={w.action.text} icon="text" run={() => openComposer("text")} />
      <Action code="N" text={w.action.note} icon="note" run={() => openComposer("note")} />
      {card.state !== "closed" && (
        <Action code="C" text={w.action.close} icon="closed" run={() => openComposer("close")} />
      )}
    </>
  );
}

function Actions({ card }: { card: Card }) {
  const w = words.value;
  return (
    <div class="actions" role="toolbar" aria-label={w.detail.actions}>
      {deciding.value && <Decisions card={card} />}
      <Action
        code="H"
        text={w.action.history}
        icon="clock"
        pressed={historyOpen.value}
        run={() => (historyOpen.value = !historyOpen.value)}
      />
    </div>
  );
}

interface ActionProps {
  code: string;
  text: string;
  icon: IconName;
  run: () => void;
  main?: boolean;
  pressed?: boolean;
}

function Action({ code, text, icon, run, main, pressed }: ActionProps) {
  return (
    <button
      type="button"
      class={main ? "button button--primary action--main" : "button"}
      aria-keyshortcuts={code}
      {...(pressed === undefined ? {} : { "aria-pressed": pressed })}
      onClick={run}
    >
      <Icon name={icon} />
      <span>{text}</span>
      <kbd>{code}</kbd>
    </button>
  );
}

function Warnings({ card }: { card: Card }) {
  const w = words.value;
  const cancel = card.cancel;
  const duress = cancel?.meaning === "duress";
  return (
    <>
      {cancel && (
        <Notice tone={duress ? "bad" : "warn"} icon={duress ? "alert" : "cancel"}>
          <span>{w.cancelLead(timeText(cancel.claimed_at_ms, w.locale))}</span>{" "}
          <strong>{cancel.meaning === undefined ? w.unknown : w.cancel[cancel.meaning]}</strong>
          <br />
          {duress ? w.duressDo : w.cancelDo}
        </Notice>
      )}
      {card.unlogged && <Notice tone="bad" icon="lost">{w.flag.unloggedLong}</Notice>}
      <LostNotice card={card} />
      {card.drill && <Notice tone="warn" icon="note">{w.flag.drillLong}</Notice>}
      {card.exercise && <Notice tone="warn" icon="alert">{w.flag.exercise}</Notice>}
      {card.raw && <Notice tone="warn" icon="question">{w.flag.raw}</Notice>}
      {card.same_alert_id_elsewhere && <Notice tone="warn" icon="question">{w.flag.elsewhere}</Notice>}
    </>
  );
}

function LostNotice({ card }: { card: Card }) {
  const lost = contactLostFor(card, now.value);
  if (lost === null) return null;
  return (
    <Notice tone="bad" icon="lost">
      <strong>{words.value.flag.contactLost(clockText(lost))}</strong>
    </Notice>
  );
}

export function Notice({ tone, icon, children }: { tone: "bad" | "warn"; icon: IconName; children: ComponentChildren }) {
  return (
    <div class={`notice notice--${tone}`}>
      <Icon name={icon} />
      <p>{children}</p>
    </div>
  );
}

function FactList({ card }: { card: Card }) {
  const w = words.value;
  return (
    <div class="facts">
      {factGroups(card, w).map((group, at) => (
        <section key={group.title}>
          <h3>{group.title}</h3>
          <dl>
            {at === 2 && <LastHeard card={card} />}
            {group.facts.map((fact) => (
              <FactLine key={fact.label} fact={fact} />
            ))}
          </dl>
        </section>
      ))}
    </div>
  );
}

function LastHeard({ card }: { card: Card }) {
  const w = words.value;
  const at = card.last_report_at_ms;
  const value = at === undefined ? w.unknown : w.facts.ago(clockText(now.value - at));
  return <FactLine fact={{ label: w.facts.contact, value, unknown: at === undefined }} />;
}

function FactLine({ fact }: { fact: Fact }) {
  const tone = fact.unknown ? "facts__value--unknown" : fact.warn ? "facts__value--warn" : "";
  return (
    <div class="facts__line">
      <dt>{fact.label}</dt>
      <dd class={tone}>{fact.value}</dd>
    </div>
  );
}

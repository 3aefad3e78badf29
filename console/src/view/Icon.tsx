/** Line icons on a 16 by 16 grid; always beside a word, never instead of one. */
const PATHS = {
  alert: "M8 1.6 15 14H1L8 1.6Zm0 4.6v3.6m0 1.9v.3",
  check: "M2.5 8.5 6.3 12.3 13.5 4.2",
  clock: "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8Zm0 2.9V8l2.4 1.9",
  closed: "M3.4 3.4 12.6 12.6M12.6 3.4 3.4 12.6",
  question: "M5.5 5.9a2.5 2.5 0 1 1 3.7 2.2c-.8.5-1.2 1-1.2 1.8m0 2.6v.2",
  shield: "M8 1.6 13.4 3.8v3.9c0 3.1-2.1 5.5-5.4 6.7-3.3-1.2-5.4-3.6-5.4-6.7V3.8L8 1.6Z",
  battery: "M1.5 5h11v6h-11zM14.5 7v2",
  target: "M8 3.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9ZM8 .8v2.4m0 9.6v2.4M.8 8h2.4m9.6 0h2.4",
  press: "M8 2v5.5M5 5l3 3 3-3M2.5 13.5h11",
  lost: "M2 2l12 12M5.2 8.2a4 4 0 0 1 1.5-1M2.6 5.6A8 8 0 0 1 5 4.1m3-.6a8 8 0 0 1 5.4 2.1M10.8 8.2l-.6-.4M8 12.2v.1",
  cancel: "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8ZM3.8 3.8l8.4 8.4",
  text: "M1.8 3h12.4v8H7l-3.4 2.6V11H1.8V3Z",
  sound: "M2 6h2.6L8 3v10L4.6 10H2V6Zm8.6-.4a3.4 3.4 0 0 1 0 4.8M12.6 3.6a6.2 6.2 0 0 1 0 8.8",
  muted: "M2 6h2.6L8 3v10L4.6 10H2V6Zm8.8.2 3.4 3.6m0-3.6-3.4 3.6",
  link: "M6.4 9.6 9.6 6.4M7 4.6l1.3-1.3a3 3 0 0 1 4.3 4.3L11.3 9M9 11.4l-1.3 1.3a3 3 0 0 1-4.3-4.3L4.7 7",
  map: "M1.6 3.4 6 2l4 1.6 4.4-1.4v10.4L10 14l-4-1.6-4.4 1.4V3.4ZM6 2v10.4M10 3.6V14",
  theme: "M13.4 9.6A5.8 5.8 0 0 1 6.4 2.6a5.8 5.8 0 1 0 7 7Z",
  language: "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8ZM1.8 8h12.4M8 1.8c-3.6 3.6-3.6 8.8 0 12.4 3.6-3.6 3.6-8.8 0-12.4",
  up: "M8 13V3.4M3.8 7.4 8 3.2l4.2 4.2",
  note: "M3 1.8h10v12.4H3zM5.4 5h5.2M5.4 8h5.2M5.4 11h3",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

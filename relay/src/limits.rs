//! Every limit of the relay, with its unit and its reason. Those of the wire are in [`protocol::limit`].

use std::time::Duration;

use protocol::Millis;

/// Bidirectional streams that the transport lets a phone open. One is used; the rest lets a phone that opens more be
/// told so by code. quinn enters every possible stream in a map: 1,000 of them cost 140 KiB per connection.
pub const BIDIRECTIONAL_STREAMS: u32 = 4;

/// Bytes that a phone may send on a stream beyond what was read: one frame of the largest size.
pub const STREAM_WINDOW_BYTES: u32 = 16 * 1024;

/// Bytes that a phone may send on all streams beyond what was read.
pub const CONNECTION_WINDOW_BYTES: u32 = 64 * 1024;

/// Bytes that the transport keeps of what a phone has not acknowledged.
pub const SEND_WINDOW_BYTES: u64 = 64 * 1024;

/// Bytes of datagrams that wait to be read; the oldest are dropped first. Some 200 positions.
pub const DATAGRAM_BUFFER_BYTES: usize = 16 * 1024;

/// Bytes of TLS messages that arrived out of order. A client hello with a post-quantum share has 2 KiB.
pub const CRYPTO_BUFFER_BYTES: usize = 16 * 1024;

/// Connection attempts that QUIC keeps for the accept loop, which takes them at once; further ones are refused. Far more
/// than go in before it has its turn.
pub const INCOMING_MAX: usize = 4_096;

/// Packets that go in before everybody has a turn: as many as QUIC hands on at once.
pub const ROUND_PACKETS: usize = 32;

/// Attempts to connect in a round. A full handshake with a raise takes some 0.3 ms of a core: with four of them the
/// tasks of a round are through after a millisecond, and a handshake takes some five rounds.
pub const ATTEMPTS_IN_A_ROUND: usize = 4;

/// Small packets in a round while the processors are full. A position takes some 0.03 ms of a core: four delay a raise, which takes some five
/// rounds, by half a millisecond.
pub const SMALL_IN_A_ROUND: usize = 4;

/// Bytes of a packet up to which it can be a position or an acknowledgement. A position has some 100, a raise with
/// its token some 260.
pub const SMALL_PACKET_BYTES: usize = 160;

/// Small packets that wait; beyond, the oldest are left out. A tenth of a second at the rate at which a core takes them.
pub const SMALL_PACKETS_MAX: usize = 1_024;

/// Packets of work already begun that wait, 5 MB at the most; beyond, they are left out and QUIC sends them again.
pub const BEGUN_PACKETS_MAX: usize = 4_096;

/// Attempts that wait; beyond, the oldest is left out. Two seconds of a nation in trouble, and 10 MB at the most.
pub const WAITING_ATTEMPTS_MAX: usize = 2_048;

/// While no attempt has waited for so long, they go in in the order in which they came; beyond, the newest first. A
/// burst that is over by then is nobody's second attempt, which a phone sends after a second.
pub const IN_ORDER_FOR: Millis = Millis(500);

/// Packets that are kept of an attempt, the newest: a client hello with a post-quantum share has two, early data one
/// more.
pub const ATTEMPT_PACKETS_MAX: usize = 4;

/// Attempts taken lately whose further packets follow them. As many as are under way at the highest rates.
pub const TAKEN_ATTEMPTS_KEPT: usize = 1_024;

/// Attempts left out whose further packets are dropped unseen. A phone gives up a second after its time is over: one
/// second of five times what a core can take.
pub const OVER_ATTEMPTS_KEPT: usize = 16_384;

/// A connection that has not been heard for one to two of these is taken for one that has something new to say: longer than a
/// phone waits between two positions while it tracks. And one of which nothing went in for as long goes before the others: phones give a
/// connection up on which they have heard nothing for 35 s.
pub const HEARD_UNIT: Millis = Millis::from_secs(10);

/// Small packets of such a connection that count as work begun: acknowledgements and the farewell of an alert, of
/// which there are some five.
pub const FRESH_PACKETS: u8 = 8;

/// Slots in which connections are marked as heard, three bytes each: with 100,000 phones that track, one of ten silent ones
/// shares a slot with one of them.
pub const HEARD_SLOTS: usize = 1 << 20;

/// Packets that are read from the socket before a round: more than come during one.
pub const READ_PACKETS_MAX: usize = 1_024;

/// A relay is overloaded until nobody was left outside for so long.
pub const OVERLOAD_ENDS_AFTER: Millis = Millis::from_secs(10);

/// How often it is felt how long a task waits for its turn.
pub const PULSE: Millis = Millis(5);

/// A pulse that is later than this is late: a raise takes some five turns, and would be ten milliseconds late.
pub const PULSE_LATE_ABOVE: Duration = Duration::from_millis(2);

/// Bytes that are kept of one attempt before it is accepted: what a phone sends as early data.
pub const INCOMING_BUFFER_BYTES: u64 = 16 * 1024;

/// Bytes that are kept of all attempts before they are accepted.
pub const INCOMING_BUFFER_TOTAL_BYTES: u64 = 16 * 1024 * 1024;

/// Bytes of the socket's receive buffer, as far as the system allows: 13,000 packets, half a second of
/// a nation in trouble.
pub const SOCKET_RECEIVE_BUFFER_BYTES: usize = 16 * 1024 * 1024;

/// Handshakes under way above which further phones must prove their address first (Retry, RFC 9000 section 8.1.2).
pub const RETRY_ABOVE_HANDSHAKES: usize = 1_000;

/// Seconds for which a Retry token is good. A client backs off 1, 2, 4, 8 and 16 s; 15 s would cut it short.
pub const RETRY_TOKEN_LIFETIME: Millis = Millis::from_secs(120);

/// For how long an address token lets a phone skip Retry (RFC 9000, section 8.1.3). Two weeks.
pub const ADDRESS_TOKEN_LIFETIME: Millis = Millis::from_secs(14 * 24 * 3600);

/// Address tokens given on every connection.
pub const ADDRESS_TOKENS_SENT: u32 = 2;

/// Bytes of the memory of used address tokens, and how many uses it expects while a token lives.
pub const ADDRESS_TOKEN_LOG_BYTES: usize = 10 << 20;
/// See [`ADDRESS_TOKEN_LOG_BYTES`]: 1 % of a nation's phones in two weeks.
pub const ADDRESS_TOKEN_LOG_USES: u64 = 1_000_000;

/// A connection without any packet for so long is forgotten. Phones keep it alive while an alert is open.
pub const TRANSPORT_IDLE: Millis = Millis::from_secs(120);

/// TLS sessions that can be resumed, two for each phone. About half a kilobyte each.
pub const TLS_SESSIONS_MAX: usize = 200_000;

/// TLS session tickets given on a connection. Each is good once.
pub const TLS_TICKETS_SENT: usize = 2;

/// Reports of one connection that wait for their commit; more are not read until some are durable.
pub const IN_FLIGHT_PER_SESSION_MAX: usize = 64;

/// Bytes of answers from which on nothing more is read from a phone that does not read them.
pub const OUTPUT_HIGH_BYTES: usize = 16 * 1024;

/// Bytes of answers at which a phone that does not read them is cut: all messages of an incident fit.
pub const OUTPUT_MAX_BYTES: usize = 96 * 1024;

/// Alerts of one connection that are remembered as open, and whose status is sent. A person presses once; some
/// press again.
pub const ALERTS_PER_SESSION_MAX: usize = 16;

/// Words that wait for one connection's task; beyond, the connection is cut and the phone connects again.
pub const MAILBOX_WORDS_MAX: usize = 1_024;

/// Incidents that the relay follows for its phones: twice what a nation opens when one of a hundred presses within ten
/// minutes. Beyond, closed ones are forgotten first, then the oldest: their phones hear no status here, their raises are stored all the same.
pub const INCIDENTS_MAX: usize = 1_000_000;

/// Messages of one incident that a phone gets again after a reconnect; the newest.
pub const MESSAGES_PER_INCIDENT_MAX: usize = 32;

/// Alerts of one incident that are told apart, as many as an incident's fold does; the newest. Of a forgotten one a
/// resend is stored again, which changes nothing.
pub const ALERTS_PER_INCIDENT_MAX: usize = 1_000;

/// Alerts whose reports are durable and not yet folded. The fold is some batches behind at most.
pub const UNFOLDED_ALERTS_MAX: usize = 100_000;

/// Reports of which is known whether they are on the replicas, some 20 MB: two minutes of a nation in trouble, and more than
/// is under way while there are replicas. Of the oldest beyond, no second receipt follows; their phones hear on
/// their next connection what is true then.
pub const RECEIPTS_KEPT_MAX: usize = 100_000;

/// Connections that wait for the second receipt of one report, the newest: a phone has one at a time, and has come
/// back from one that nobody has noticed to be gone.
pub const RECEIPT_SESSIONS_MAX: usize = 4;

/// Alerts that wait because the journal's queue is full: as many again as it holds. Beyond, phones are sent away: first those
/// with texts, then those whom the site does not know ([`crate::precedence`]).
pub const HELD_ENTRIES_MAX: usize = 65_536;

/// For how long an alert waits for room in the journal's queue before its phone is sent away. A phone without a
/// receipt tries further relays after 3 s and stays here as well; with one relay it has nowhere else to go.
pub const HELD_PATIENCE: Millis = Millis::from_secs(10);

/// How often alerts that wait are offered to the journal again: about a commit.
pub const HELD_RETRY: Millis = Millis(10);

/// How often the keys of today and tomorrow are looked at.
pub const DAY_KEYS_INTERVAL: Millis = Millis::from_secs(1);

/// How long a session waits for what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience {
    /// For an attempt to be taken; then it is left out. A phone that hears nothing sends it again
    /// after a second, and asks another relay as well.
    pub waiting: Millis,
    /// For the handshake to complete.
    pub handshake: Millis,
    /// For a frame that has begun to end.
    pub frame: Millis,
    /// For a phone to take the next byte of what it is told.
    pub reader: Millis,
    /// For anything at all to be said while no alert is open.
    pub idle: Millis,
    /// For commits and answers that are under way when the relay is shut down.
    pub farewell: Millis,
}

impl Default for Patience {
    /// Two seconds for an attempt (a phone gives up after three); five seconds for handshake and frame (a phone at the edge of coverage needs three round trips of 600 ms);
    /// half a minute for a reader (a tunnel); two minutes of idleness; half a second for a farewell.
    fn default() -> Self {
        Self {
            waiting: Millis::from_secs(2),
            handshake: Millis::from_secs(5),
            frame: Millis::from_secs(5),
            reader: Millis::from_secs(30),
            idle: Millis::from_secs(120),
            farewell: Millis(500),
        }
    }
}

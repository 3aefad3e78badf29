//! Where a slot of a cluster is, as its servers tell it.

use redis::{Cmd, Value};

use super::reply;
use super::settings::Address;
use crate::hash_slot::HashSlot;

/// Asks who has which slots.
pub(super) fn slots() -> Cmd {
    let mut command = redis::cmd("CLUSTER");
    command.arg("SLOTS");
    command
}

/// Who is master of a slot by the answer to [`slots`] of the server at `asked`.
pub(super) fn master_of(
    slot: HashSlot,
    answer: &Value,
    asked: &Address,
) -> Result<Address, String> {
    let ranges = match answer {
        Value::Array(ranges) => ranges,
        Value::ServerError(error) => {
            let why = reply::server_words(error);
            return Err(format!("{asked} tells nothing of a cluster: {why}"));
        }
        _ => {
            return Err(format!(
                "{asked} answered CLUSTER SLOTS with something else"
            ));
        }
    };
    let Some(master) = ranges.iter().find_map(|range| master_in(slot, range)) else {
        return Err(format!("{asked} knows of no server that has it"));
    };
    endpoint(master, asked)
        .ok_or_else(|| format!("{asked} does not tell where its master can be reached; see to cluster-announce-hostname, or to cluster-preferred-endpoint-type"))
}

/// The master of a range of slots, if the slot is one of them: first and last, then the master, then
/// its replicas.
fn master_in(slot: HashSlot, range: &Value) -> Option<&[Value]> {
    let Value::Array(range) = range else {
        return None;
    };
    let [first, last, Value::Array(master), ..] = &range[..] else {
        return None;
    };
    let slots = reply::number(first)?..=reply::number(last)?;
    slots
        .contains(&u64::from(slot.number()))
        .then_some(&master[..])
}

/// Host and port. A server that does not know its own host leaves it out: it is the one by which it
/// was asked. A `?` stands for a name that nobody has given to it.
fn endpoint(server: &[Value], asked: &Address) -> Option<Address> {
    let [host, port, ..] = server else {
        return None;
    };
    let host = match host {
        Value::Nil => "",
        host => reply::text(host)?,
    };
    Some(Address {
        host: match host {
            "?" => return None,
            "" => &asked.host,
            host => host,
        }
        .to_owned(),
        port: reply::number(port)?.try_into().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Address {
        Address {
            host: "asked.example".to_owned(),
            port: 7_000,
        }
    }

    fn found(answer: &str) -> Result<String, String> {
        let answer = redis::parse_redis_value(answer.as_bytes()).unwrap();
        // Slot 12,739.
        let slot = HashSlot::of("123456789");
        master_of(slot, &answer, &asked()).map(|address| address.to_string())
    }

    /// Two ranges; the second has the slot, a master at this host, and a replica.
    fn ranges(host: &str) -> String {
        let replica = "*4\r\n$1\r\nr\r\n:7005\r\n$1\r\nr\r\n*0\r\n";
        format!(
            "*2\r\n*3\r\n:0\r\n:12738\r\n*4\r\n$1\r\na\r\n:7001\r\n$1\r\na\r\n*0\r\n\
             *4\r\n:12739\r\n:16383\r\n*4\r\n{host}:7002\r\n$1\r\nb\r\n*0\r\n{replica}"
        )
    }

    #[test]
    fn the_master_of_the_range_that_has_the_slot_is_found() {
        for (host, expected) in [
            ("$9\r\n127.0.0.1\r\n", "127.0.0.1:7002"),
            ("$3\r\n::1\r\n", "[::1]:7002"),
            ("$0\r\n\r\n", "asked.example:7002"),
            ("$-1\r\n", "asked.example:7002"),
        ] {
            assert_eq!(found(&ranges(host)).as_deref(), Ok(expected), "{host}");
        }
    }

    #[test]
    fn what_does_not_lead_anywhere_says_why() {
        for (answer, why) in [
            (&*ranges("$1\r\n?\r\n"), "cluster-announce-hostname"),
            ("*0\r\n", "no server that has it"),
            (
                "-ERR This instance has cluster support disabled\r\n",
                "support disabled",
            ),
            ("+OK\r\n", "something else"),
            ("*1\r\n*1\r\n:0\r\n", "no server that has it"),
        ] {
            let error = found(answer).unwrap_err();
            assert!(error.contains(why), "{error}");
            assert!(error.contains("asked.example:7000"), "{error}");
        }
    }
}

//! Packets that the kernel dropped before the relay saw them: the socket's receive buffer was full.

use std::net::SocketAddr;

use prometheus_client::metrics::counter::Counter;
use protocol::Millis;

/// How often the kernel is asked.
pub(crate) const INTERVAL: Millis = Millis::from_secs(10);

/// Where Linux lists UDP sockets (proc(5)); the last column is the drops of each.
const TABLES: [&str; 2] = ["/proc/net/udp", "/proc/net/udp6"];

/// Follows the drops of one socket.
#[derive(Debug)]
pub(crate) struct KernelDrops {
    port: u16,
    seen: u64,
    counter: Counter,
}

impl KernelDrops {
    pub(crate) fn new(socket: SocketAddr, counter: Counter) -> Self {
        Self {
            port: socket.port(),
            seen: 0,
            counter,
        }
    }

    /// Adds what was dropped since the last call. Where the system has no such table nothing is counted.
    pub(crate) fn sample(&mut self) {
        let tables = TABLES.map(|path| std::fs::read_to_string(path).unwrap_or_default());
        let now: u64 = tables.iter().map(|table| drops(table, self.port)).sum();
        self.counter.inc_by(now.saturating_sub(self.seen));
        self.seen = now;
    }
}

/// The drops of all sockets at a local port: `sl local_address rem_address … drops`, the port in hexadecimal digits.
fn drops(table: &str, port: u16) -> u64 {
    let of_socket = |line: &str| {
        let mut columns = line.split_whitespace();
        let (_, local) = columns.nth(1)?.rsplit_once(':')?;
        let is_ours = u16::from_str_radix(local, 16).is_ok_and(|local| local == port);
        let last = columns.next_back()?;
        is_ours.then(|| last.parse::<u64>().ok()).flatten()
    };
    table.lines().filter_map(of_socket).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_column_of_our_port_is_read() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
            1: 00000000:1151 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0000000000000000 17\n\
            2: 0100007F:1152 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0000000000000000 5\n";
        assert_eq!(drops(table, 0x1151), 17);
        assert_eq!(drops(table, 0x1153), 0);
        assert_eq!(drops("", 1), 0);
        assert_eq!(drops("nonsense\n: :\n", 1), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_socket_that_nobody_reads_is_counted() {
        let socket =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None).unwrap();
        socket.set_recv_buffer_size(1).unwrap();
        let socket: std::net::UdpSocket = socket.into();
        let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        // The drops of a socket that had this port before are not ours.
        let address = {
            socket2::SockRef::from(&socket)
                .bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into())
                .unwrap();
            socket.local_addr().unwrap()
        };
        let counter = Counter::default();
        let mut drops = KernelDrops::new(address, counter.clone());
        drops.sample();
        assert_eq!(counter.get(), 0);
        for _ in 0..1_000 {
            sender.send_to(&[0; 1_000], address).unwrap();
        }
        drops.sample();
        assert!(counter.get() > 0);
    }
}

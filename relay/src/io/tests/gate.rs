//! A wire that lets a phone's first flight through and holds back the rest until it is opened: what the relay has done
//! before that, it did before the handshake had completed.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(super) struct Gate {
    /// Where the phone sends to.
    pub(super) address: SocketAddr,
    opened: watch::Sender<bool>,
    tasks: [JoinHandle<()>; 2],
}

impl Gate {
    pub(super) async fn before(relay: SocketAddr) -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let outer = Arc::new(UdpSocket::bind(any).await.unwrap());
        let inner = Arc::new(UdpSocket::bind(any).await.unwrap());
        inner.connect(relay).await.unwrap();
        let (opened, mut is_open) = watch::channel(false);
        let (phone, whose) = watch::channel(None);
        let (answered, is_answered) = watch::channel(false);
        let inwards = {
            let (outer, inner) = (Arc::clone(&outer), Arc::clone(&inner));
            async move {
                let mut packet = [0; 2_048];
                while let Ok((length, from)) = outer.recv_from(&mut packet).await {
                    phone.send_replace(Some(from));
                    if *is_answered.borrow() {
                        // What waits longer than the test is of no use to it.
                        let _ = is_open.wait_for(|open| *open).await;
                    }
                    let _ = inner.send(&packet[..length]).await;
                }
            }
        };
        let address = outer.local_addr().unwrap();
        let outwards = async move {
            let mut packet = [0; 2_048];
            while let Ok(length) = inner.recv(&mut packet).await {
                answered.send_replace(true);
                let phone = *whose.borrow();
                if let Some(phone) = phone {
                    let _ = outer.send_to(&packet[..length], phone).await;
                }
            }
        };
        Self {
            address,
            opened,
            tasks: [tokio::spawn(inwards), tokio::spawn(outwards)],
        }
    }

    pub(super) fn open(&self) {
        self.opened.send_replace(true);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

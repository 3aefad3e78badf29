//! Mosquitto as a process, with TLS, persistence, and somebody away for whom it keeps every alert.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::phones::{CERTIFICATE_PEM, KEY_PEM};
use crate::process::{Usage, usage};
use crate::tls_phone::{Mqtt, TlsPhones};

/// A broker that has not begun by then never will.
const BEGINS_IN: Duration = Duration::from_secs(10);

pub(crate) struct Mosquitto {
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Mosquitto {
    /// An error says what the system lacks.
    pub(crate) async fn start(folder: &Path, phones: &TlsPhones) -> Result<Self, String> {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let stored = folder.join("mosquitto");
        std::fs::create_dir(&stored).unwrap();
        let settings = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n\
             certfile {certificate}\nkeyfile {key}\ntls_version tlsv1.3\n\
             persistence true\npersistence_location {stored}/\nautosave_interval 1\n\
             max_queued_messages 0\nmax_queued_bytes 0\nset_tcp_nodelay true\nlog_type none\n",
            port = address.port(),
            certificate = folder.join(CERTIFICATE_PEM).display(),
            key = folder.join(KEY_PEM).display(),
            stored = stored.display(),
        );
        let file = folder.join("mosquitto.conf");
        std::fs::write(&file, settings).unwrap();
        let child = Command::new("mosquitto")
            .arg("-c")
            .arg(file)
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| {
                format!("needs mosquitto (on Debian: apt-get install mosquitto): {error}")
            })?;
        let broker = Self { address, child };
        let begun = Instant::now();
        while TcpStream::connect(address).await.is_err() {
            if begun.elapsed() > BEGINS_IN {
                return Err("mosquitto does not listen".to_owned());
            }
            sleep(Duration::from_millis(50)).await;
        }
        Mqtt::subscribe_and_leave(phones, address).await;
        Ok(broker)
    }

    pub(crate) fn usage(&self) -> Usage {
        usage(self.child.id())
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

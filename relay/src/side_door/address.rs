//! Where a dispatcher is.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

const HTTPS_PORT: u16 = 443;
const HTTP_PORT: u16 = 80;

/// Where a dispatcher takes offers: the address of its console.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct DispatcherAddress {
    is_tls: bool,
    host: String,
    port: u16,
}

/// The text names no dispatcher that may be told of alerts.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "`{0}` is no dispatcher's address: write https://host:port; http:// is for 127.0.0.1, [::1] and localhost alone"
)]
pub struct InvalidDispatcher(String);

impl DispatcherAddress {
    /// Whether it speaks TLS; whoever does not is on this machine.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// The name or IP address, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Host and port as HTTP's header field `host` has them (RFC 9110, section 7.2).
    #[must_use]
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for DispatcherAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority())
    }
}

impl FromStr for DispatcherAddress {
    type Err = InvalidDispatcher;

    fn from_str(text: &str) -> Result<Self, InvalidDispatcher> {
        let invalid = || InvalidDispatcher(text.to_owned());
        let (scheme, rest) = text.split_once("://").ok_or_else(invalid)?;
        let (is_tls, default_port) = match scheme {
            "https" => (true, HTTPS_PORT),
            "http" => (false, HTTP_PORT),
            _ => return Err(invalid()),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                (host, port.parse().map_err(|_| invalid())?)
            }
            _ => (rest, default_port),
        };
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let ip: Option<IpAddr> = bare.unwrap_or(host).parse().ok();
        // Brackets are for IPv6 alone, and IPv6 has them.
        if bare.is_some() != ip.is_some_and(|ip| ip.is_ipv6()) {
            return Err(invalid());
        }
        let is_name = |host: &str| {
            let mut letters = host.chars();
            !host.is_empty() && letters.all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
        };
        if ip.is_none() && !is_name(host) {
            return Err(invalid());
        }
        let is_here = host == "localhost" || ip.is_some_and(|ip| ip.to_canonical().is_loopback());
        if !is_tls && !is_here {
            return Err(invalid());
        }
        Ok(Self {
            is_tls,
            host: bare.unwrap_or(host).to_owned(),
            port,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_written() {
        for (text, written) in [
            ("https://desk.example:8443", "https://desk.example:8443"),
            ("https://desk.example/", "https://desk.example:443"),
            ("https://192.0.2.1:1", "https://192.0.2.1:1"),
            ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[::1]", "http://[::1]:80"),
            ("http://localhost:1", "http://localhost:1"),
        ] {
            let address: DispatcherAddress = text.parse().unwrap();
            assert_eq!(address.to_string(), written);
            assert_eq!(written.parse(), Ok(address));
        }
    }

    #[test]
    fn what_would_tell_of_alerts_in_clear_or_leads_nowhere_is_refused() {
        for text in [
            "",
            "desk.example:8443",
            "ftp://desk.example",
            "http://desk.example:8080",
            "http://192.0.2.1:8080",
            "http://127.0.0.1.example:8080",
            "https://",
            "https://:1",
            "https://a:b",
            "https://a/b",
            "https://user@a",
            "https://2001:db8::1",
            "https://[a]:1",
            "https://[192.0.2.1]:1",
        ] {
            assert!(text.parse::<DispatcherAddress>().is_err(), "{text}");
        }
    }
}

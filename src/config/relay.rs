//! The section `[relay]`: the phones' door.

use std::net::SocketAddr;
use std::path::PathBuf;

use relay::DispatcherAddress;
use serde::{Deserialize, Serialize};

/// The phones' door.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Relay {
    /// UDP address.
    pub listen: SocketAddr,
    /// Certificate chain in PEM.
    pub certificate: PathBuf,
    /// Its private key in PEM.
    pub private_key: PathBuf,
    /// Handshakes under way above which phones must prove their address first; 0 for always.
    #[serde(default = "default_retry_above_handshakes")]
    pub retry_above_handshakes: usize,
    /// Whether the kernel cuts large writes into packets.
    #[serde(default = "yes")]
    pub segmentation_offload: bool,
    /// TCP address where operators ask a relay without a dispatcher how it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operations: Option<SocketAddr>,
    /// Where the dispatchers are that are told of alerts directly while the shared log takes nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dispatchers: Vec<String>,
    /// The authority of their certificates in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispatchers_ca_file: Option<PathBuf>,
}

fn yes() -> bool {
    true
}

fn default_retry_above_handshakes() -> usize {
    match relay::RetryPolicy::default() {
        relay::RetryPolicy::Always => 0,
        relay::RetryPolicy::AboveHandshakes(handshakes) => handshakes,
    }
}

impl Relay {
    pub(super) fn check(&self) -> Result<(), String> {
        let addresses = self.dispatcher_addresses()?;
        let any_tls = addresses.iter().any(DispatcherAddress::is_tls);
        match &self.dispatchers_ca_file {
            None if any_tls => Err(
                "relay.dispatchers with https need relay.dispatchers_ca_file, the authority of \
                 their certificates"
                    .to_owned(),
            ),
            Some(_) if !any_tls => {
                Err("relay.dispatchers_ca_file is for relay.dispatchers with https".to_owned())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn has_side_door(&self) -> bool {
        !self.dispatchers.is_empty()
    }

    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let paths = [
            Some(&mut self.certificate),
            Some(&mut self.private_key),
            self.dispatchers_ca_file.as_mut(),
        ];
        paths.into_iter().flatten()
    }

    /// Where the dispatchers are.
    ///
    /// # Errors
    /// In words, which address is none.
    pub fn dispatcher_addresses(&self) -> Result<Vec<DispatcherAddress>, String> {
        let addresses = self.dispatchers.iter().map(|text| text.parse());
        let addresses: Result<_, _> = addresses.collect();
        addresses.map_err(|error: relay::InvalidDispatcher| format!("relay.dispatchers: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(keys: &str) -> Result<(), String> {
        let text = format!("listen='127.0.0.1:1'\ncertificate='c'\nprivate_key='p'\n{keys}");
        toml::from_str::<Relay>(&text).unwrap().check()
    }

    #[test]
    fn dispatchers_are_addresses_with_their_authority() {
        assert_eq!(check(""), Ok(()));
        assert_eq!(check("dispatchers = ['http://127.0.0.1:1']"), Ok(()));
        let both = "dispatchers = ['https://a:1', 'https://b:1']\ndispatchers_ca_file = 'ca'";
        assert_eq!(check(both), Ok(()));
        for wrong in [
            "dispatchers = ['https://a:1']",
            "dispatchers_ca_file = 'ca'",
            "dispatchers = ['http://a:1']",
            "dispatchers = ['a:1']\ndispatchers_ca_file = 'ca'",
        ] {
            let why = check(wrong).unwrap_err();
            assert!(why.contains("relay.dispatchers"), "{why}");
        }
    }
}

//! The system's randomness, for nonces, keys and connection ids.

use std::convert::Infallible;

use rand::{TryCryptoRng, TryRng};

/// Asks AWS-LC's generator, which is seeded by the system and has a state per thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemRng;

impl TryRng for SystemRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        aws_lc_rs::rand::fill(bytes)
            .expect("AWS-LC aborts the process rather than answer an error");
        Ok(())
    }
}

impl TryCryptoRng for SystemRng {}

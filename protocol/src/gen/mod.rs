//! Generated from `protocol/proto` by `cargo xtask proto`. Do not edit: change the `.proto` file,
//! which is normative and has the words.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    reason = "generated code"
)]

pub mod ansim {
    pub mod log {
        pub mod v1 {
            include!("ansim.log.v1.rs");
        }
    }
    pub mod v1 {
        include!("ansim.v1.rs");
    }
}

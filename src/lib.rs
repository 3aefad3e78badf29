//! Ansim: configuration in, running service out.

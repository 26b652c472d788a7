//! .
pub mod proxy;

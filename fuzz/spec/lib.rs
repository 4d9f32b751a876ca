//! Specs

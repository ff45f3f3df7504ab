//! Guests that behave and misbehave, one file per behaviour, in `examples/`. This library is empty: it gives the examples a package.
//! How tests get the built components: `guest!` in `tests/src/lib.rs`.

//! The daemon: consensus and network host, chain watcher, store, API.

// Package fallback stands in for the bundled root certificates that Caddy links in case a machine has none: this
// build serves plain HTTP on loopback and verifies nobody's certificate.
package fallback

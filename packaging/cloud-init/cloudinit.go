// Package cloudinit holds user-data that makes a new machine a host of a collector:
// one file for Debian and Ubuntu, one for the RHEL family, and what both have. They are templates, which
// "seawall-collector bootstrap" and the dashboard fill in (package bootstrap says
// with what).
//
// Each writes a token that root alone can read, where packages come from, and a
// script, which it then runs. The script tries for a bounded time to install the
// package, hands the token to "seawall-uplink setup" and removes itself; its exit is
// cloud-init's verdict. What it could not install it leaves a service to try again.
package cloudinit

import "embed"

// Files holds debian.yaml and rhel.yaml, and common.yaml, which both use.
//
//go:embed *.yaml
var Files embed.FS

// Package config reads the sensor's configuration.
//
// Each setting has one name. Its value comes from the last of these that gives
// one: the default, the file, the environment, the command line.
//
//	file          spool_dir: /var/lib/seawall/spool
//	environment   SEAWALL_SPOOL_DIR=/var/lib/seawall/spool
//	command line  --spool /var/lib/seawall/spool
//
// The file is YAML: one mapping of names to plain values. It is strict: a name
// that does not exist, stands twice, or has a value that cannot be is an error
// with file, line and column, and the sensor does not start. The whole is
// validated before anything is used. Durations are Go's ("90s", "6h"), sizes are
// bytes or carry KiB, MiB or GiB.
package config

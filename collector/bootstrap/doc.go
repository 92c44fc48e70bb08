// Package bootstrap makes the text with which a new machine becomes a host: its
// cloud-init user-data (of packaging/cloud-init), or the same as a script for a
// machine that runs already.
//
// The text holds a token, so whoever reads it may enrol in the machine's place. On
// most clouds every process of the machine can read its user-data for as long as the
// machine lives. Hence the token is good for one host and a short time, it pins the
// collector's key, and what it admits can be made to wait for a person.
//
// Everything that is put into the text is checked to be what it says, with no
// character that YAML or a shell would read otherwise.
package bootstrap

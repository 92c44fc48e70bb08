// Package opensslconf knows what OpenSSL makes of a host's settings: which cipher
// suites a cipher string stands for, and what openssl.cnf sets for every program.
//
// # Cipher strings
//
// openssl-ciphers(1) and ssl_cipher_process_rulestr (ssl/ssl_ciph.c) decide: parts
// are divided by ":", ",", ";" or blanks; "A+B" is what is in both; "!" takes out
// for good, "-" takes out, "+" moves to the end, which is nothing here since the
// order is not kept; a leading DEFAULT is OpenSSL's own list; "@SECLEVEL=n" sets
// the security level. Unknown parts are passed over, as OpenSSL does. The table,
// suites.tsv, is what OpenSSL 3.0 says of itself:
//
//	openssl ciphers -V 'ALL:COMPLEMENTOFALL:@SECLEVEL=0'
//
// with, last, H and M for those of its classes HIGH and MEDIUM, and N for those in
// COMPLEMENTOFDEFAULT. Suites of TLS 1.3 are not in it: no cipher string rules them.
// What OpenSSL no longer has (RC4, single and triple DES, export suites) is in no
// answer of [Parse], but [Broken] names it.
//
// # openssl.cnf
//
// config(5): openssl_conf in the unnamed section names a section, whose ssl_conf
// names another, whose system_default names the one with the settings. ".include"
// takes in files and directories. Variables are not expanded.
package opensslconf

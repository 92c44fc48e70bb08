// Package leak finds secrets in text: tokens whose form is known, private keys,
// passwords in URLs and on command lines, and values of settings that are named
// for a secret.
//
// A [Leak] has the kind of the secret and its line, and never a byte of it.
//
// # What counts
//
//   - Tokens by the forms that their makers publish: a prefix of letters that
//     nothing else has, then as many characters of one alphabet as belong to it
//     (GitHub "ghp_" and 36 letters and digits). They count only where a word
//     begins, and not where they are a sample: one character over and over, or
//     "EXAMPLE" in it, as in Amazon's and GitHub's manuals.
//   - Private keys in PEM (RFC 7468), in OpenSSH's (PROTOCOL.key) and in PuTTY's
//     format, with something that can be a key after the heading, whether a
//     passphrase protects them ([Leak.Encrypted]) or not. The heading alone, as
//     programs and manuals have it, is none. In JSON (service accounts of Google)
//     the lines are divided by "\n" as two characters.
//   - URLs with a password, "postgres://user:password@host".
//   - With [Settings], NAME=value and "name: value" where the name says password,
//     secret, token or key, and the value looks like one: see value.go.
//   - With [Commands], passwords that programs are given as arguments: sshpass -p,
//     mysql -p…, curl -u, docker login -p, chpasswd, options called --password.
//
// A value that a shell or a template puts in later ($X, ${X}, {{ x }}, <x>), the
// name of a file, and what people write in place of a secret (changeme, example,
// xxxx) are none.
//
// # How well
//
// Time is linear in the text: each byte is looked at once for tokens and a few
// times for the rest; there are no regular expressions. In November 2026 a search
// for tokens, keys and URLs through 4,937 text files (48 MiB) of /etc, /usr/share/doc
// and /usr/lib/python3 of a Debian 12 told of 10: five real keys, Chromium's key of
// Google (which is no secret), and four URLs with a password that is public (three
// of them the same line). The names of settings told of 2 more in /etc, and of 183
// in the rest, most of them in sources of programs: [Settings] is for files of
// settings and histories.
//
// Secrets without a form and without a telling name, in binary files, in archives
// and in base64 are not found.
package leak

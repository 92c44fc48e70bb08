// Package redact takes secrets out of command lines before they leave a host.
//
// A command line is data of whoever ran the command, and passwords, tokens and
// keys stand in it: as the value of an option (--password X, -pX of mysql), of a
// variable (PGPASSWORD=X), in a header, a URL or a JSON body, or as a token whose
// form is known wherever it stands. Each is replaced by [Mark]; the name before
// it stays, for it says what was done.
//
// It errs on the side of hiding: a word after --token is hidden whatever it is.
// It cannot know every program's options, so a command line remains sensitive.
package redact

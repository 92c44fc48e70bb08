package option

import (
	"errors"
	"slices"
	"strings"

	"seawall/pkg/sshdconf/algorithm"
	"seawall/pkg/sshdconf/pattern"
)

func cipherList(a *args) error {
	return a.algorithms(a.keyword+" missing argument.", "Bad SSH2 cipher spec '%s'.", algorithm.Ciphers, false)
}

func macList(a *args) error {
	return a.algorithms(a.keyword+" missing argument.", "Bad SSH2 mac spec '%s'.", algorithm.MACs, false)
}

func kexList(a *args) error {
	known := algorithm.Kex
	if a.set.release >= 909 {
		known += "," + algorithm.LaterKex
	}
	err := a.algorithms(a.keyword+" missing argument.", "Bad SSH2 KexAlgorithms '%s'.", known, false)
	var refused *Error
	if errors.As(err, &refused) && len(a.out) > 0 {
		for name := range strings.SplitSeq(bare(a.out[0]), ",") {
			if !slices.Contains(strings.Split(known, ","), name) {
				refused.Before = "Unsupported KEX algorithm \"" + name + "\""
				break
			}
		}
	}
	return err
}

func keyList(a *args) error {
	return a.algorithms("Missing argument.", "Bad key types '%s'.", algorithm.Keys, true)
}

// algorithms reads a list of algorithms as it is written; what it comes to is
// seen when all is read.
func (a *args) algorithms(missing, bad, known string, wildcards bool) error {
	arg, ok := a.next()
	if !ok {
		return fatal("%s", missing)
	}
	a.out = one(arg)
	if arg[0] != '-' && !pattern.Known(bare(arg), strings.Split(known, ","), wildcards) {
		return fatal(bad, arg)
	}
	return nil
}

// bare is a list without the sign that says what to do with it.
func bare(arg string) string {
	if arg[0] == '+' || arg[0] == '^' {
		return arg[1:]
	}
	return arg
}

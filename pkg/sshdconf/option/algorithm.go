package option

import (
	"errors"
	"slices"
	"strings"

	"seawall/pkg/sshdconf/algorithm"
	"seawall/pkg/sshdconf/argument"
	"seawall/pkg/sshdconf/pattern"
)

func cipherList(a *argument.List) error {
	return algorithmList(a, a.Keyword+" missing argument.", "Bad SSH2 cipher spec '%s'.", algorithm.Ciphers, false)
}

func macList(a *argument.List) error {
	return algorithmList(a, a.Keyword+" missing argument.", "Bad SSH2 mac spec '%s'.", algorithm.MACs, false)
}

func kexList(a *argument.List) error {
	known := algorithm.Kex
	if a.Release >= 909 {
		known += "," + algorithm.LaterKex
	}
	err := algorithmList(a, a.Keyword+" missing argument.", "Bad SSH2 KexAlgorithms '%s'.", known, false)
	var refused *argument.Error
	if errors.As(err, &refused) && len(a.Out) > 0 {
		for name := range strings.SplitSeq(bare(a.Out[0]), ",") {
			if !slices.Contains(strings.Split(known, ","), name) {
				refused.Before = "Unsupported KEX algorithm \"" + name + "\""
				break
			}
		}
	}
	return err
}

func keyList(a *argument.List) error {
	return algorithmList(a, "Missing argument.", "Bad key types '%s'.", algorithm.Keys, true)
}

// algorithmList reads a list of algorithms as it is written; what it comes to is
// seen when all is read.
func algorithmList(a *argument.List, missing, bad, known string, wildcards bool) error {
	arg, ok := a.Next()
	if !ok {
		return argument.Fatal("%s", missing)
	}
	a.Set(arg)
	if arg[0] != '-' && !pattern.Known(bare(arg), strings.Split(known, ","), wildcards) {
		return argument.Fatal(bad, arg)
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

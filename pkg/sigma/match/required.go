package match

import (
	"regexp/syntax"
	"unicode/utf8"

	"seawall/pkg/sigma/literals"
)

// maxRequired bounds the texts of which one must be in what an expression matches.
const maxRequired = 32

// required returns folded texts of which each match of a regular expression contains
// at least one, none if nothing is known, and the steps of its program.
func required(expr string) (texts []string, steps int, err error) {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil, 0, err
	}
	re = re.Simplify()
	prog, err := syntax.Compile(re)
	if err != nil {
		return nil, 0, err
	}
	return contained(re), len(prog.Inst), nil
}

// contained returns what required does, of a part. What may be left out, by "?", "*" or
// "{0,3}", contains nothing that must be there; other repetitions have been written
// out by Simplify.

func contained(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		if text := folded(re.Rune); text != "" {
			return []string{text}
		}
	case syntax.OpCapture, syntax.OpPlus:
		return contained(re.Sub[0])
	case syntax.OpCharClass:
		return class(re.Rune)
	case syntax.OpConcat:
		return ofConcat(re.Sub)
	case syntax.OpAlternate:
		var texts []string
		for _, sub := range re.Sub {
			one := contained(sub)
			if len(one) == 0 || len(texts)+len(one) > maxRequired {
				return nil
			}
			texts = append(texts, one...)
		}
		return texts
	}
	return nil
}

// ofConcat returns the best that one of the parts requires: long texts, few of them.
func ofConcat(subs []*syntax.Regexp) []string {
	var best []string
	for _, sub := range subs {
		if texts := contained(sub); len(texts) > 0 && (best == nil || shortest(texts)*len(best) > shortest(best)*len(texts)) {
			best = texts
		}
	}
	return best
}

// shortest returns the length of the shortest text.
func shortest(texts []string) int {
	n := len(texts[0])
	for _, t := range texts {
		n = min(n, len(t))
	}
	return n
}

// class returns the characters of a small class, such as [;&|]. A larger one requires
// nothing worth looking for.
func class(ranges []rune) []string {
	var texts []string
	for i := 0; i+1 < len(ranges); i += 2 {
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			if len(texts) == 4 || r == utf8.RuneError {
				return nil
			}
			texts = append(texts, folded([]rune{r}))
		}
	}
	return texts
}

// folded folds a text of an expression, and cuts it to what goes into the automaton.
func folded(runes []rune) string {
	for i, r := range runes {
		if r == utf8.RuneError { // in expressions it stands for any byte that is no UTF-8
			runes = runes[:i]
			break
		}
	}
	text := literals.Fold(nil, []byte(string(runes)))
	return string(text[:min(len(text), maxLiteral)])
}

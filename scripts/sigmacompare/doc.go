// Sigmacompare gives the same Sigma rules and events to our matcher and to the
// evaluator of github.com/bradleyjkemp/sigma-go, and prints whether their verdicts
// are the same and what an event costs.
//
//	cd scripts/sigmacompare && go run .
//
// Verdicts are compared on random rules and events of what both support: text with
// contains, startswith, endswith and all, re, cidr, numbers, base64, and conditions.
// Where the two differ on purpose there is a case in the list of differences, with
// the reason; the program tells if one of them is no difference any more.
//
// Costs are processor time of one goroutine, the median of rounds in which the two
// take turns. It is a module of its own since the product needs none of the other.
package main

// Package tools pins the programs that check this repository.
//
// It is a module of its own, so that what a linter imports never enters the
// go.sum of the framework. Run a tool from the root with
//
//	go tool -modfile=tools/go.mod staticcheck ./...
package tools

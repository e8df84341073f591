// Package blobexchange brings a blob from whoever has it. A wanted blob is asked for among the members; the first that has
// it is asked for one slice after another, each verified against the blob's id as it arrives; when a source fails another
// one is looked for.
//
// Roles: peer. Any member may ask.
//
// What must hold: a blob is held only when it is whole and verified; a wrong slice costs its sender the source's place and
// the receiver nothing; who is no member gets nothing; a want ends when its blob is here or its time is over.
package blobexchange

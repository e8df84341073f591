// Package blobs is the node's store of blobs, as the exchange of blobs uses it: it cuts slices for others, verifies and keeps
// those that arrive, and tells who waits when a blob is whole.
package blobs

package io.rendezvous.net;

/** A connection that reads whole records, whose beginnings it keeps until the rest has arrived. */
public interface RecordStream {
  /** Returns whether the beginning of a record is kept. Called on the connection's I/O thread. */
  boolean isMidRecord();
}

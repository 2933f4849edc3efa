package io.rendezvous.tls;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * A parser of the first message of a TLS client, for the server name in it (RFC 8446, 4.1.2 and
 * 5.1; RFC 6066, 3). The message may be spread over any number of records and pieces. The parser is
 * strict: it refuses a malformed message at the first octet that proves it to be one, and a message
 * of more than 16 KiB at its length.
 *
 * <p>One object reads one message. One thread at a time uses it.
 */
public final class ClientHello {
  /** The progress of reading a message. */
  public enum Progress {
    /** The message is not whole yet. */
    MORE,
    /** The message is whole: see {@link #serverName}. */
    WHOLE,
    /** This is no ClientHello, or too long a one, whatever follows. */
    REFUSED
  }

  /** Maximum length of a message. Real ones have up to 2,000 octets, with post-quantum keys. */
  static final int MAX_LENGTH = 16 * 1024;

  private static final int RECORD_HEADER = 5;
  private static final int MESSAGE_HEADER = 4;
  private static final int MAX_RECORD = 1 << 14;
  private static final byte HANDSHAKE = 22;
  private static final byte CLIENT_HELLO = 1;
  private static final byte MAJOR_VERSION = 3;
  private static final int SERVER_NAME = 0;
  private static final byte HOST_NAME = 0;
  private static final int MAX_NAME_LENGTH = 255;

  private final byte[] record = new byte[RECORD_HEADER];
  private int recordLength; // octets of the record's header that were read
  private int leftInRecord;
  private byte[] message = new byte[256];
  private int length; // octets of the message that were read
  private Progress progress = Progress.MORE;
  private Optional<String> serverName = Optional.empty();

  /** Reads octets of the message from a buffer, and none of those that follow the message. */
  public Progress read(ByteBuffer from) {
    while (progress == Progress.MORE && from.hasRemaining()) {
      byte octet = from.get();
      progress = leftInRecord == 0 ? addToHeader(octet) : addToMessage(octet);
    }
    return progress;
  }

  /** Returns the server name in lower case, if the message is whole and has one. */
  public Optional<String> serverName() {
    return serverName;
  }

  private Progress addToHeader(byte octet) {
    record[recordLength++] = octet;
    if (record[0] != HANDSHAKE || recordLength > 1 && record[1] != MAJOR_VERSION) {
      return Progress.REFUSED;
    }
    if (recordLength == RECORD_HEADER) {
      leftInRecord = (record[3] & 0xff) << 8 | record[4] & 0xff;
      recordLength = 0;
      if (leftInRecord == 0 || leftInRecord > MAX_RECORD) {
        return Progress.REFUSED;
      }
    }
    return Progress.MORE;
  }

  private Progress addToMessage(byte octet) {
    if (length == message.length) {
      message = Arrays.copyOf(message, Math.min(MAX_LENGTH, 2 * length));
    }
    message[length++] = octet;
    leftInRecord--;
    if (message[0] != CLIENT_HELLO) {
      return Progress.REFUSED;
    }
    if (length < MESSAGE_HEADER) {
      return Progress.MORE;
    }
    int whole = MESSAGE_HEADER + ByteBuffer.wrap(message).getInt(0) - (CLIENT_HELLO << 24);
    if (whole > MAX_LENGTH) {
      return Progress.REFUSED;
    }
    if (length < whole) {
      return Progress.MORE;
    }
    return leftInRecord == 0 && parse() ? Progress.WHOLE : Progress.REFUSED;
  }

  /** Parses the whole message, and returns whether it is well formed. */
  private boolean parse() {
    ByteBuffer body = ByteBuffer.wrap(message, MESSAGE_HEADER, length - MESSAGE_HEADER).slice();
    try {
      body.position(2 + 32); // version and random
      ByteBuffer session = vector8(body);
      ByteBuffer ciphers = vector16(body);
      ByteBuffer compressions = vector8(body);
      if (session.remaining() > 32
          || ciphers.remaining() < 2
          || ciphers.remaining() % 2 != 0
          || !compressions.hasRemaining()) {
        return false;
      }
      if (!body.hasRemaining()) { // extensions may be missing before TLS 1.3
        return true;
      }
      ByteBuffer extensions = vector16(body);
      return !body.hasRemaining() && parseExtensions(extensions);
    } catch (BufferUnderflowException | IllegalArgumentException e) {
      return false;
    }
  }

  private boolean parseExtensions(ByteBuffer extensions) {
    Set<Integer> seen = new HashSet<>();
    while (extensions.hasRemaining()) {
      int type = extensions.getShort() & 0xffff;
      ByteBuffer data = vector16(extensions);
      if (!seen.add(type) || type == SERVER_NAME && !parseServerName(data)) {
        return false;
      }
    }
    return true;
  }

  /** Parses the one name, of the one type that is defined. Returns whether it is well formed. */
  private boolean parseServerName(ByteBuffer data) {
    ByteBuffer names = vector16(data);
    if (data.hasRemaining() || names.get() != HOST_NAME) {
      return false;
    }
    ByteBuffer name = vector16(names);
    if (names.hasRemaining() || !name.hasRemaining() || name.remaining() > MAX_NAME_LENGTH) {
      return false;
    }
    String text = StandardCharsets.ISO_8859_1.decode(name).toString();
    serverName = Optional.of(text.toLowerCase(Locale.ROOT));
    return true;
  }

  private static ByteBuffer vector8(ByteBuffer from) {
    return vector(from, from.get() & 0xff);
  }

  private static ByteBuffer vector16(ByteBuffer from) {
    return vector(from, from.getShort() & 0xffff);
  }

  private static ByteBuffer vector(ByteBuffer from, int length) {
    if (length > from.remaining()) {
      throw new BufferUnderflowException();
    }
    ByteBuffer vector = from.slice().limit(length);
    from.position(from.position() + length);
    return vector;
  }
}

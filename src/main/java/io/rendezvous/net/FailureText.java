package io.rendezvous.net;

import java.io.EOFException;
import java.io.UncheckedIOException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.Locale;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Says in words why something failed. Many exceptions of Java have no message, or one that is only
 * a file or a host name; people need a whole sentence. Any thread may call.
 */
public final class FailureText {
  private static final Pattern CLASS_NAME =
      Pattern.compile("(?:[a-z][a-z0-9]*\\.)+[A-Z]\\w*(?:Exception|Error)(?:: |$)");

  private FailureText() {}

  /** Returns what went wrong, in a few words. Never empty, and without the name of a class. */
  public static String of(Throwable failure) {
    Throwable cause = failure.getCause();
    if (cause != null && isWrapper(failure, cause)) {
      return of(cause);
    }
    if (failure instanceof FileSystemException file && file.getFile() != null) {
      return ofFile(file);
    }
    String message = withoutClassNames(failure.getMessage());
    if (failure instanceof UnknownHostException && isName(message)) {
      return "no address is known for " + message;
    }
    if (!message.isBlank()) {
      return message;
    }
    return cause == null ? ofKind(failure) : of(cause);
  }

  /** Returns whether a failure says nothing that its cause does not say. */
  private static boolean isWrapper(Throwable failure, Throwable cause) {
    return failure instanceof ExecutionException
        || failure instanceof CompletionException
        || failure instanceof UncheckedIOException
        || cause.toString().equals(failure.getMessage());
  }

  /** Returns a message without the names of exceptions that precede the messages of causes. */
  private static String withoutClassNames(@Nullable String message) {
    return message == null ? "" : CLASS_NAME.matcher(message).replaceAll("");
  }

  private static boolean isName(String message) {
    return !message.isBlank() && message.indexOf(' ') < 0;
  }

  private static String ofFile(FileSystemException failure) {
    String file = failure.getFile();
    if (failure instanceof NoSuchFileException) {
      return "no such file: " + file;
    }
    if (failure instanceof AccessDeniedException) {
      return "permission denied: " + file;
    }
    if (failure instanceof NotDirectoryException) {
      return "not a directory: " + file;
    }
    if (failure instanceof FileAlreadyExistsException) {
      return "the file exists already: " + file;
    }
    String reason = failure.getReason();
    return file + ": " + (reason == null ? "it cannot be used" : reason);
  }

  /** Describes a failure that has no message. */
  private static String ofKind(Throwable failure) {
    if (failure instanceof ClosedByInterruptException || failure instanceof InterruptedException) {
      return "interrupted";
    }
    if (failure instanceof ClosedChannelException || failure instanceof EOFException) {
      return "the connection was closed";
    }
    if (failure instanceof TimeoutException || failure instanceof SocketTimeoutException) {
      return "no answer in time";
    }
    if (failure instanceof Exception && !(failure instanceof RuntimeException)) {
      return "no reason is known";
    }
    String words = failure.getClass().getSimpleName().replaceAll("(?<=[a-z])(?=[A-Z])", " ");
    return "an error of this program (" + words.toLowerCase(Locale.ROOT) + ")";
  }
}

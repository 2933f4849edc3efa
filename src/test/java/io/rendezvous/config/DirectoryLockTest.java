package io.rendezvous.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The lock on a data directory. */
class DirectoryLockTest {
  @TempDir private Path parent;

  private Path data() {
    return parent.resolve("data");
  }

  @Test
  void isHeldOnce() throws Exception {
    try (DirectoryLock lock = DirectoryLock.take(data())) {
      assertThat(lock).isNotNull();
      assertThatThrownBy(() -> DirectoryLock.take(data()))
          .isInstanceOf(IOException.class)
          .hasMessage(
              "another broker (process %d) is running with the data directory %s;"
                  + " stop it, or run this one in another directory",
              ProcessHandle.current().pid(), data());
      DirectoryLock.take(parent.resolve("other")).close();
    }
    DirectoryLock.take(data()).close();
  }

  @Test
  void directoryThatCannotBeLockedIsUsedAllTheSame() throws Exception {
    Files.writeString(data(), "not a directory");
    DirectoryLock.take(data()).close();
  }
}

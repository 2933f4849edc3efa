package io.rendezvous.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What root creates belongs to the owner of the directory. */
class FileOwnerTest {
  @TempDir private Path directory;

  private UserPrincipal giveToNobody() throws IOException {
    assumeTrue("root".equals(System.getProperty("user.name")), "only root can give files away");
    UserPrincipal nobody =
        directory.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName("nobody");
    Files.setOwner(directory, nobody);
    return nobody;
  }

  @Test
  void filesAndDirectoriesBelongToTheOwnerOfTheirDirectory() throws Exception {
    UserPrincipal nobody = giveToNobody();
    Path below = directory.resolve("a/b");
    FileOwner.createDirectories(below);
    AtomicFile.writeSecret(below.resolve("secret"), "x");
    FileOwner.openLockFile(below.resolve("lock")).close();
    for (String made : new String[] {"a", "a/b", "a/b/secret", "a/b/lock"}) {
      assertThat(Files.getOwner(directory.resolve(made))).as(made).isEqualTo(nobody);
    }
  }

  @Test
  void ownerOfTheDirectoryCannotHaveAnotherFileGivenAway() throws Exception {
    giveToNobody();
    Path other = Files.createTempFile("other", "");
    try {
      UserPrincipal before = Files.getOwner(other);
      Path link = Files.createSymbolicLink(directory.resolve("link"), other);
      FileOwner.inherit(link);
      assertThat(Files.getOwner(other)).isEqualTo(before);
      assertThat(Files.getOwner(link, LinkOption.NOFOLLOW_LINKS)).isNotEqualTo(before);
      assertThatThrownBy(() -> FileOwner.openLockFile(link)).isInstanceOf(IOException.class);
    } finally {
      Files.delete(other);
    }
  }

  @Test
  void directoryThatExistsIsLeftAlone() throws Exception {
    FileOwner.createDirectories(directory);
    Path file = Files.createFile(directory.resolve("file"));
    assertThatThrownBy(() -> FileOwner.createDirectories(file))
        .isInstanceOf(FileAlreadyExistsException.class);
  }
}

// What the theme's scripts want to be told, on every page.
DoxygenAwesomeDarkModeToggle.init();
DoxygenAwesomeFragmentCopyButton.init();
DoxygenAwesomeInteractiveToc.init();
DoxygenAwesomeParagraphLink.init();

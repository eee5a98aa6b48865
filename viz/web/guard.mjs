// First, and on its own: it tells of what stops the other script, even of what cannot be read there.
addEventListener("error", ({ message }) => {
  document.getElementById("message").textContent =
    `This page's script has stopped (${message}). If a primitive is your own: is its javascript= a function, without a slip?`;
});

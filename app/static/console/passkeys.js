// When the form is sent, asks the browser for a passkey first, and puts its answer into the field "answer".
"use strict";

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-passkey]");
  if (!form || form.elements.answer.value) return;
  event.preventDefault();
  const told = form.querySelector("[data-told]");
  told.textContent = "Follow what your browser or device asks for.";
  try {
    const options = JSON.parse(form.dataset.passkey);
    const made = form.dataset.does === "create"
      ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
      : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
    form.elements.answer.value = JSON.stringify(made.toJSON());
    form.submit();
  } catch (error) {
    told.textContent = error.name === "InvalidStateError"
      ? "This device has a passkey for this page already."
      : "That did not work, or it was cancelled. Press the button to try again.";
  }
});

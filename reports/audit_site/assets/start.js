"use strict";

Site.start().catch(function (error) {
  document.getElementById("main").textContent = error.message;
});
